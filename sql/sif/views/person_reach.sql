-- One row per person with a contact record: electronic mails and telephones, one of each type.
-- Reads: Contact.
-- Rules: NCES knows no type for mobile and work telephones. The first of home, mobile and work is
-- the main one, the next is the alternate one; a third is left out.
WITH numbers AS (
    SELECT
        personID,
        nullif(trim(email), '') AS email,
        nullif(trim(secondaryEmail), '') AS second_email,
        array_remove(array_distinct(make_array(
            coalesce(trim(homePhone), ''), coalesce(trim(cellPhone), ''),
            coalesce(trim(workPhone), '')
        )), '') AS phones
    FROM Contact
)
SELECT
    personID,
    array_compact(make_array(
        CASE WHEN email IS NOT NULL THEN
            named_struct('Type', 'Primary', 'value', email)
        END,
        CASE WHEN second_email IS NOT NULL AND email IS NULL THEN
            named_struct('Type', 'Primary', 'value', second_email)
        WHEN second_email <> email THEN
            named_struct('Type', 'Alternate1', 'value', second_email)
        END
    )) AS emails,
    array_compact(make_array(
        CASE WHEN array_length(phones) >= 1 THEN
            named_struct('Number', phones[1], 'Type', '0096')
        END,
        CASE WHEN array_length(phones) >= 2 THEN
            named_struct('Number', phones[2], 'Type', '0350')
        END
    )) AS phones
FROM numbers
