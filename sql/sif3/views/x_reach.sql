-- One row per person with a contact record: the electronic mail and the telephones.
-- Reads: Contact.
-- Rules: the first of home, mobile and work telephone is the primary one, the others follow it.
WITH numbers AS (
    SELECT
        personID,
        coalesce(nullif(trim(email), ''), nullif(trim(secondaryEmail), '')) AS email,
        array_remove(array_distinct(make_array(
            coalesce(trim(homePhone), ''), coalesce(trim(cellPhone), ''),
            coalesce(trim(workPhone), '')
        )), '') AS phones
    FROM Contact
)
SELECT
    personID,
    email,
    CASE WHEN array_length(phones) >= 1 THEN
        named_struct('number', phones[1], 'primaryIndicator', true)
    END AS phone,
    CASE WHEN array_length(phones) >= 2 THEN
        array_compact(make_array(
            named_struct('number', phones[2], 'primaryIndicator', false),
            CASE WHEN array_length(phones) >= 3 THEN
                named_struct('number', phones[3], 'primaryIndicator', false)
            END
        ))
    END AS other_phones
FROM numbers
