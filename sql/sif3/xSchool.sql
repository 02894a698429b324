-- One row per school that is not excluded and has a calendar in scope.
-- Reads: School, school_scope, school_grade, x_grade_level.
-- Rules: stateProvinceId is the standard code, else the number that the state knows the school by.
WITH grades AS (
    SELECT
        t.schoolID,
        array_sort(array_agg(DISTINCT named_struct('value', g.sif))
            FILTER (WHERE g.sif IS NOT NULL)) AS levels,
        min(CASE WHEN g.sif IS NULL THEN t.grade END) AS unmapped_grade
    FROM school_grade t
    LEFT JOIN x_grade_level g
        ON g.code = lpad(t.grade, greatest(2, character_length(t.grade)), '0')
    GROUP BY t.schoolID
)
SELECT
    ref_id('xSchool', s.schoolID) AS refId,
    ref_id('xLea', s.districtID) AS leaRefId,
    trim(s.number) AS localId,
    coalesce(nullif(trim(s.standardCode), ''), trim(s.number)) AS stateProvinceId,
    CASE WHEN trim(s.ncesSchoolID) <> '' THEN
        make_array(named_struct('id', trim(s.ncesSchoolID), 'type', 'NCES'))
    END AS otherIds,
    trim(s.name) AS schoolName,
    g.levels AS gradeLevels,
    CASE WHEN trim(s.phone) <> '' THEN
        named_struct('number', trim(s.phone), 'primaryIndicator', true)
    END AS phoneNumber,
    'School' AS _source_table,
    CAST(s.schoolID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    unmapped('xgrade_level', g.unmapped_grade, NULL) AS _unmapped
FROM School s
JOIN school_scope c ON c.schoolID = s.schoolID
LEFT JOIN grades g ON g.schoolID = s.schoolID
