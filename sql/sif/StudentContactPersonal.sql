-- One row per contact of a student of the year, whatever number of students.
-- Reads: student_contact, Person, person_name, person_address, person_reach.
WITH contact AS (
    SELECT contactID, array_agg(studentID) AS students
    FROM student_contact
    GROUP BY contactID
)
SELECT
    ref_id('StudentContactPersonal', c.contactID) AS RefId,
    named_struct(
        'LocalId', CAST(c.contactID AS VARCHAR),
        'Name', n.name,
        'AddressList', a.addresses,
        'PhoneNumberList', r.phones,
        'EmailList', r.emails
    ) AS PersonInfo,
    'Person' AS _source_table,
    CAST(c.contactID AS VARCHAR) AS _source_key,
    c.contactID AS _person_id,
    c.students AS _person_ids,
    CASE
        WHEN p.personID IS NULL THEN concat('orphan_row: RelatedPair.personID2=', c.contactID)
        ELSE n.orphan
    END AS _reject
FROM contact c
LEFT JOIN Person p ON p.personID = c.contactID
LEFT JOIN person_name n ON n.personID = c.contactID
LEFT JOIN person_address a ON a.personID = c.contactID
LEFT JOIN person_reach r ON r.personID = c.contactID
