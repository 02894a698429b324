-- One row per person: the name of record, from the current identity (never an older one).
-- Reads: Person, Identity.
SELECT
    p.personID,
    i.identityID,
    named_struct(
        'FirstName', nullif(trim(i.firstName), ''),
        'LastName', nullif(trim(i.lastName), ''),
        'MiddleName', nullif(trim(i.middleName), ''),
        'Suffix', nullif(trim(i.suffix), ''),
        'Type', '04'
    ) AS name,
    CASE
        WHEN i.identityID IS NULL
            THEN concat('orphan_row: Person.currentIdentityID=', p.currentIdentityID)
    END AS orphan
FROM Person p
LEFT JOIN Identity i ON i.identityID = p.currentIdentityID
