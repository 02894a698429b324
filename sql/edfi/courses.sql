-- One row per course number of the district.
-- Reads: course_scope, scope, fixed.
-- Rules: courses of one number, in whichever school, collapse: the greatest calendarID stands, then
-- the greatest courseID.
WITH chosen AS (
    SELECT
        course_number,
        orphan,
        first_value(courseID ORDER BY calendarID DESC, courseID DESC) AS courseID,
        array_agg(courseID) AS course_ids,
        first_value(title ORDER BY calendarID DESC, courseID DESC) AS title
    FROM course_scope
    WHERE in_scope
    GROUP BY course_number, orphan
)
SELECT
    c.course_number AS courseCode,
    c.title AS courseTitle,
    named_struct('educationOrganizationId', y.local_education_agency_id)
        AS educationOrganizationReference,
    make_array(named_struct(
        'courseIdentificationSystemDescriptor', f.course_identification_system,
        'identificationCode', c.course_number
    )) AS identificationCodes,
    1 AS numberOfParts,
    'Course' AS _source_table,
    CAST(c.courseID AS VARCHAR) AS _source_key,
    c.courseID AS _course_id,
    c.course_ids AS _course_ids,
    c.orphan AS _reject
FROM scope y
CROSS JOIN fixed f
CROSS JOIN chosen c
