-- One row per person: the current identity (never an older one).
-- Reads: Person, Identity.
SELECT
    p.personID,
    i.identityID,
    nullif(trim(i.firstName), '') AS first_name,
    nullif(trim(i.middleName), '') AS middle_name,
    nullif(trim(i.lastName), '') AS last_name,
    nullif(trim(i.suffix), '') AS suffix,
    nullif(trim(i.gender), '') AS gender,
    i.birthdate AS birth_date,
    nullif(trim(i.birthCity), '') AS birth_city,
    nullif(trim(i.raceEthnicityFed), '') AS race_fed,
    trim(i.hispanicEthnicity) = 'Y' AS hispanic,
    CASE
        WHEN i.identityID IS NULL
            THEN concat('orphan_row: Person.currentIdentityID=', p.currentIdentityID)
    END AS orphan
FROM Person p
LEFT JOIN Identity i ON i.identityID = p.currentIdentityID
