-- One row per person with a contact record: electronic mails and telephones, as bodies list them.
-- Reads: Contact, fixed.
SELECT
    c.personID,
    array_compact(make_array(
        CASE WHEN trim(c.email) <> '' THEN named_struct(
            'electronicMailAddress', trim(c.email),
            'electronicMailTypeDescriptor', f.email
        ) END,
        CASE WHEN trim(c.secondaryEmail) <> '' THEN named_struct(
            'electronicMailAddress', trim(c.secondaryEmail),
            'electronicMailTypeDescriptor', f.secondary_email
        ) END
    )) AS electronic_mails,
    array_compact(make_array(
        CASE WHEN trim(c.homePhone) <> '' THEN named_struct(
            'telephoneNumber', trim(c.homePhone),
            'telephoneNumberTypeDescriptor', f.home_phone
        ) END,
        CASE WHEN trim(c.cellPhone) <> '' THEN named_struct(
            'telephoneNumber', trim(c.cellPhone),
            'telephoneNumberTypeDescriptor', f.cell_phone
        ) END,
        CASE WHEN trim(c.workPhone) <> '' THEN named_struct(
            'telephoneNumber', trim(c.workPhone),
            'telephoneNumberTypeDescriptor', f.work_phone
        ) END
    )) AS telephones
FROM fixed f
CROSS JOIN Contact c
