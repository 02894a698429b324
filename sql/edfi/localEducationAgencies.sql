-- One row per district: the target owns it, so it is looked up there and not written.
-- Reads: District, scope, fixed.
-- Rules: the id is the setting local_education_agency_id.
SELECT
    make_array(named_struct('educationOrganizationCategoryDescriptor', f.district_category))
        AS categories,
    f.district_kind AS localEducationAgencyCategoryDescriptor,
    y.local_education_agency_id AS localEducationAgencyId,
    trim(d.name) AS nameOfInstitution,
    'District' AS _source_table,
    CAST(d.districtID AS VARCHAR) AS _source_key
FROM scope y
CROSS JOIN fixed f
CROSS JOIN District d
