-- One row per school with a calendar in scope.
-- Reads: School, school_scope, school_grade, scope, fixed.
-- Rules: grade levels are the distinct state grades of the school's structures in scope; a school
-- with a grade that has no crosswalk row is rejected, and everything of the school is blocked.
WITH grade AS (
    SELECT
        schoolID,
        array_sort(array_agg(named_struct('gradeLevelDescriptor', descriptor))
            FILTER (WHERE descriptor IS NOT NULL)) AS levels,
        min(CASE WHEN descriptor IS NULL THEN grade END) AS unmapped_grade
    FROM (SELECT DISTINCT schoolID, grade, descriptor FROM school_grade)
    GROUP BY schoolID
)
SELECT
    make_array(named_struct('educationOrganizationCategoryDescriptor', f.school_category))
        AS educationOrganizationCategories,
    g.levels AS gradeLevels,
    named_struct('localEducationAgencyId', y.local_education_agency_id)
        AS localEducationAgencyReference,
    trim(s.name) AS nameOfInstitution,
    c.edfi_school_id AS schoolId,
    'School' AS _source_table,
    CAST(s.schoolID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    unmapped('grade_level', g.unmapped_grade, NULL) AS _unmapped
FROM scope y
CROSS JOIN fixed f
CROSS JOIN School s
JOIN school_scope c ON c.schoolID = s.schoolID
LEFT JOIN grade g ON g.schoolID = s.schoolID
WHERE c.in_scope
