-- One row per staff member of the year.
-- Reads: staff, person_id, person_name, Person, fixed, and the crosswalk sex.
-- Rules: no unique id: skipped. The current identity only.
SELECT
    n.birth_date AS birthDate,
    n.first_name AS firstName,
    n.suffix AS generationCodeSuffix,
    CASE WHEN nullif(trim(p.staffNumber), '') IS NOT NULL THEN
        make_array(named_struct(
            'identificationCode', trim(p.staffNumber),
            'staffIdentificationSystemDescriptor', f.staff_identification_system
        ))
    END AS identificationCodes,
    n.last_name AS lastSurname,
    n.middle_name AS middleName,
    x.descriptor AS sexDescriptor,
    i.staff_unique_id AS staffUniqueId,
    'Person' AS _source_table,
    CAST(s.personID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE WHEN p.personID IS NOT NULL AND i.staff_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE
        WHEN p.personID IS NULL THEN concat('orphan_row: Employment.personID=', s.personID)
        ELSE n.orphan
    END AS _reject,
    unmapped('sex', n.gender, x.descriptor) AS _unmapped
FROM fixed f
CROSS JOIN staff s
LEFT JOIN Person p ON p.personID = s.personID
LEFT JOIN person_id i ON i.personID = s.personID
LEFT JOIN person_name n ON n.personID = s.personID
LEFT JOIN xwalk_sex x ON x.code = n.gender
