-- One row: the district.
-- Reads: District.
SELECT
    ref_id('xLea', d.districtID) AS refId,
    trim(d.number) AS localId,
    trim(d.name) AS leaName,
    'District' AS _source_table,
    CAST(d.districtID AS VARCHAR) AS _source_key
FROM District d
