-- One row: the district.
-- Reads: District, school_grade, and the crosswalk agency_type.
WITH grades AS (
    SELECT array_sort(array_agg(DISTINCT named_struct('Code', sif))) AS levels
    FROM school_grade
    WHERE sif IS NOT NULL
)
SELECT
    ref_id('LEAInfo', d.districtID) AS RefId,
    nullif(trim(d.number), '') AS LocalId,
    nullif(trim(d.name), '') AS LEAName,
    named_struct('Code', coalesce(x.sif, o.sif)) AS EducationAgencyType,
    g.levels AS GradeLevels,
    'District' AS _source_table,
    CAST(d.districtID AS VARCHAR) AS _source_key,
    unmapped('agency_type', trim(d.type), coalesce(x.sif, o.sif)) AS _unmapped
FROM District d
CROSS JOIN grades g
LEFT JOIN xwalk_agency_type x ON x.code = trim(d.type)
LEFT JOIN xwalk_agency_type o ON o.code = '(default)'
