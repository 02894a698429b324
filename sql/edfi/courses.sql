-- One row per course number of the district.
-- Reads: course_scope, scope, fixed.
-- Rules: courses of one number, in whichever school, collapse: the greatest calendarID stands, then
-- the greatest courseID.
WITH chosen AS (
    SELECT
        course_number,
        orphan,
        max(named_struct('calendarID', calendarID, 'courseID', courseID, 'title', title)) AS course
    FROM course_scope
    WHERE in_scope
    GROUP BY course_number, orphan
)
SELECT
    c.course_number AS courseCode,
    get_field(c.course, 'title') AS courseTitle,
    named_struct('educationOrganizationId', y.local_education_agency_id)
        AS educationOrganizationReference,
    make_array(named_struct(
        'courseIdentificationSystemDescriptor', f.course_identification_system,
        'identificationCode', c.course_number
    )) AS identificationCodes,
    1 AS numberOfParts,
    'Course' AS _source_table,
    CAST(get_field(c.course, 'courseID') AS VARCHAR) AS _source_key,
    get_field(c.course, 'courseID') AS _course_id,
    c.orphan AS _reject
FROM chosen c
CROSS JOIN scope y
CROSS JOIN fixed f
