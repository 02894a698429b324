-- One row: the district.
-- Reads: District, district, and the crosswalk agency_type.
SELECT
    ref_id('LEAInfo', d.districtID) AS RefId,
    trim(d.number) AS LocalId,
    trim(d.name) AS LEAName,
    'District' AS _source_table,
    CAST(d.districtID AS VARCHAR) AS _source_key
FROM District d
