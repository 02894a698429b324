-- One row per school, course number and session in which an active section of it is placed.
-- Reads: section_session, scope.
-- Rules: courses of one number at one school collapse; the lowest courseID names the source.
WITH offering AS (
    SELECT
        schoolID,
        edfi_school_id,
        course_number,
        term_name,
        session_name,
        min(courseID) AS courseID,
        array_agg(DISTINCT courseID) AS course_ids
    FROM section_session
    WHERE in_scope AND orphan IS NULL AND term_name IS NOT NULL
    GROUP BY schoolID, edfi_school_id, course_number, term_name, session_name
)
SELECT
    named_struct(
        'courseCode', o.course_number,
        'educationOrganizationId', y.local_education_agency_id
    ) AS courseReference,
    o.course_number AS localCourseCode,
    named_struct('schoolId', o.edfi_school_id) AS schoolReference,
    named_struct(
        'schoolId', o.edfi_school_id,
        'schoolYear', y.school_year,
        'sessionName', o.session_name
    ) AS sessionReference,
    'Course' AS _source_table,
    concat(o.courseID, '/', o.term_name) AS _source_key,
    o.schoolID AS _school_id,
    o.courseID AS _course_id,
    o.course_ids AS _course_ids
FROM scope y
CROSS JOIN offering o
