-- One row per district: one in a district edition.
-- Reads: District.
SELECT
    districtID,
    trim(name) AS name,
    trim(number) AS number,
    trim(state) AS state,
    trim(type) AS type,
    'District' AS _source_table,
    CAST(districtID AS VARCHAR) AS _source_key
FROM District
