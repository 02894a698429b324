-- One row per person that the state is told of, with the current identity.
-- Reads: Person, Identity, IdentityRaceEthnicity, RaceEthnicity, District, person_scope.
-- Rules: only Person.currentIdentityID counts; older identities are history of the district.
WITH race AS (
    SELECT
        i.identityID,
        array_sort(array_agg(named_struct('code', trim(r.code), 'name', trim(r.name)))) AS races
    FROM IdentityRaceEthnicity i
    JOIN RaceEthnicity r ON r.raceID = i.raceID
    GROUP BY i.identityID
)
SELECT
    i.birthCity,
    i.birthCountry,
    i.birthdate,
    i.dateEnteredUS,
    i.dateEnteredUSSchool,
    named_struct('districtID', d.districtID) AS district,
    trim(i.firstName) AS firstName,
    trim(i.gender) AS gender,
    trim(i.hispanicEthnicity) AS hispanicEthnicity,
    trim(i.homePrimaryLanguage) AS homePrimaryLanguage,
    trim(i.lastName) AS lastName,
    trim(i.legalFirstName) AS legalFirstName,
    trim(i.legalGender) AS legalGender,
    trim(i.legalLastName) AS legalLastName,
    trim(i.middleName) AS middleName,
    p.personID,
    trim(i.raceEthnicityFed) AS raceEthnicityFed,
    r.races,
    trim(p.staffNumber) AS staffNumber,
    trim(p.staffStateID) AS staffStateID,
    trim(p.stateID) AS stateID,
    trim(p.studentNumber) AS studentNumber,
    trim(i.suffix) AS suffix,
    'Person' AS _source_table,
    CAST(p.personID AS VARCHAR) AS _source_key,
    p.personID AS _person_id,
    CASE
        WHEN i.identityID IS NULL
            THEN concat('orphan_row: Person.currentIdentityID=', p.currentIdentityID)
    END AS _reject
FROM Person p
JOIN person_scope sc ON sc.personID = p.personID
CROSS JOIN (SELECT min(districtID) AS districtID FROM District) d
LEFT JOIN Identity i ON i.identityID = p.currentIdentityID
LEFT JOIN race r ON r.identityID = p.currentIdentityID
