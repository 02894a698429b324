-- One row per guardian of a student of the year.
-- Reads: student_contact, person_id, person_name, person_reach.
-- Rules: a guardian of several students is one contact, and is in scope with each of them.
SELECT
    r.electronic_mails AS electronicMails,
    n.first_name AS firstName,
    n.suffix AS generationCodeSuffix,
    n.last_name AS lastSurname,
    n.middle_name AS middleName,
    r.telephones AS telephones,
    i.contact_unique_id AS contactUniqueId,
    'Person' AS _source_table,
    CAST(c.personID AS VARCHAR) AS _source_key,
    c.personID AS _person_id,
    c.students AS _person_ids,
    CASE WHEN i.personID IS NOT NULL AND i.contact_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE
        WHEN i.personID IS NULL THEN concat('orphan_row: RelatedPair.personID2=', c.personID)
        ELSE n.orphan
    END AS _reject
FROM (
    SELECT personID2 AS personID, array_agg(personID1) AS students
    FROM student_contact
    GROUP BY personID2
) c
LEFT JOIN person_id i ON i.personID = c.personID
LEFT JOIN person_name n ON n.personID = c.personID
LEFT JOIN person_reach r ON r.personID = c.personID
