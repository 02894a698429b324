-- One row per employment that overlaps the school year.
-- Reads: employment_scope, person_id, scope, and the crosswalk employment_status.
SELECT
    named_struct('educationOrganizationId', y.local_education_agency_id)
        AS educationOrganizationReference,
    x.descriptor AS employmentStatusDescriptor,
    e.endDate AS endDate,
    e.startDate AS hireDate,
    named_struct('staffUniqueId', i.staff_unique_id) AS staffReference,
    'Employment' AS _source_table,
    CAST(e.employmentID AS VARCHAR) AS _source_key,
    e.personID AS _person_id,
    CASE WHEN i.personID IS NOT NULL AND i.staff_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE WHEN i.personID IS NULL THEN concat('orphan_row: Employment.personID=', e.personID) END
        AS _reject,
    unmapped('employment_status', e.type, x.descriptor) AS _unmapped
FROM scope y
CROSS JOIN employment_scope e
LEFT JOIN person_id i ON i.personID = e.personID
LEFT JOIN xwalk_employment_status x ON x.code = e.type
