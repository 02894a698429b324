-- One row per active course of the calendars in scope.
-- Reads: course_scope, Department.
-- Rules: the first two digits of a course's SCED code are its subject area.
SELECT
    ref_id('SchoolCourseInfo', co.courseID) AS RefId,
    ref_id('SchoolInfo', co.schoolID) AS SchoolInfoRefId,
    co.school_year AS SchoolYear,
    co.course_number AS CourseCode,
    co.state_code AS StateCourseCode,
    CASE WHEN co.sced_code IS NOT NULL THEN
        make_array(named_struct('Code', left(co.sced_code, 2)))
    END AS SubjectAreaList,
    co.title AS CourseTitle,
    nullif(trim(d.name), '') AS Department,
    'Course' AS _source_table,
    CAST(co.courseID AS VARCHAR) AS _source_key,
    co.schoolID AS _school_id,
    co.courseID AS _course_id,
    co.orphan AS _reject
FROM course_scope co
LEFT JOIN Department d ON d.departmentID = co.departmentID
WHERE co.in_scope
