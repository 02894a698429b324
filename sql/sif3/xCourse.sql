-- One row per course in scope.
-- Reads: course_scope, Department.
SELECT
    ref_id('xCourse', c.courseID) AS refId,
    ref_id('xSchool', c.schoolID) AS schoolRefId,
    c.course_number AS schoolCourseId,
    CASE WHEN c.state_code IS NOT NULL THEN
        make_array(named_struct('id', c.state_code, 'type', 'State'))
    END AS otherIds,
    c.title AS courseTitle,
    nullif(trim(d.name), '') AS subject,
    c.sced_code AS scedCourseCode,
    'Course' AS _source_table,
    CAST(c.courseID AS VARCHAR) AS _source_key,
    c.schoolID AS _school_id,
    c.courseID AS _course_id,
    c.orphan AS _reject
FROM course_scope c
LEFT JOIN Department d ON d.departmentID = c.departmentID
WHERE c.in_scope
