-- One row per school that is not excluded and has a calendar in scope.
-- Reads: School, school_scope, school_grade, scope, and the crosswalk school_level.
-- Rules: StateProvinceId is the standard code, else the number that the state knows the school by.
WITH grades AS (
    SELECT
        schoolID,
        array_sort(array_agg(DISTINCT named_struct('Code', sif)) FILTER (WHERE sif IS NOT NULL))
            AS levels,
        min(CASE WHEN sif IS NULL THEN grade END) AS unmapped_grade
    FROM school_grade
    GROUP BY schoolID
)
SELECT
    ref_id('SchoolInfo', s.schoolID) AS RefId,
    nullif(trim(s.number), '') AS LocalId,
    coalesce(nullif(trim(s.standardCode), ''), nullif(trim(s.number), '')) AS StateProvinceId,
    nullif(trim(s.ncesSchoolID), '') AS NCESId,
    nullif(trim(s.name), '') AS SchoolName,
    ref_id('LEAInfo', s.districtID) AS LEAInfoRefId,
    x.sif AS SchoolType,
    CASE WHEN trim(s.principalName) <> '' THEN
        named_struct('ContactName', trim(s.principalName), 'ContactTitle', 'Principal')
    END AS PrincipalInfo,
    CASE WHEN trim(s.phone) <> '' THEN
        make_array(named_struct('Number', trim(s.phone), 'Type', '0096'))
    END AS PhoneNumberList,
    g.levels AS GradeLevels,
    '0820' AS OperationalStatus,
    y.school_year AS ActiveSchoolYear,
    'School' AS _source_table,
    CAST(s.schoolID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    concat_ws('; ',
        unmapped('school_level', trim(s.type), x.sif),
        unmapped('grade_level', g.unmapped_grade, NULL)
    ) AS _unmapped
FROM scope y
CROSS JOIN School s
JOIN school_scope c ON c.schoolID = s.schoolID
LEFT JOIN grades g ON g.schoolID = s.schoolID
LEFT JOIN xwalk_school_level x ON x.code = trim(s.type)
