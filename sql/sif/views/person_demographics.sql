-- One row per person with an identity: Demographics as SIF has them, and the codes of it that have
-- no crosswalk row.
-- Reads: Person, Identity, person_race, and the crosswalks race, sex and language.
-- Rules: one federal race of 2 to 6 counts where no race rows are; 7 (two or more) needs the rows.
-- A language that the crosswalk does not have is taken for a three-letter code of the standard.
-- Hispanic: federal code 1, a race row of code 1, or hispanicEthnicity = Y.
SELECT
    p.personID,
    named_struct(
        'BirthDate', i.birthdate,
        'Gender', sx.sif,
        'HispanicLatino', CASE
            WHEN trim(i.raceEthnicityFed) = '1' OR r.hispanic
                OR trim(i.hispanicEthnicity) = 'Y' THEN 'Yes'
            WHEN trim(i.hispanicEthnicity) = 'N' OR trim(i.raceEthnicityFed) <> '' THEN 'No'
        END,
        'LanguageList', CASE WHEN trim(i.homePrimaryLanguage) <> '' THEN
            make_array(named_struct(
                'Code', coalesce(l.sif, lower(trim(i.homePrimaryLanguage))),
                'LanguageType', '1037'
            ))
        END,
        'PlaceOfBirth', nullif(trim(i.birthCity), ''),
        'RaceList', coalesce(r.races, CASE WHEN f.sif IS NOT NULL THEN
            make_array(named_struct('Code', f.sif))
        END)
    ) AS demographics,
    concat_ws('; ',
        unmapped('sex', nullif(trim(i.gender), ''), sx.sif),
        unmapped('race', r.unmapped_code, NULL),
        unmapped('race', CASE
            WHEN r.identityID IS NULL AND trim(i.raceEthnicityFed) NOT IN ('', '1')
                THEN trim(i.raceEthnicityFed)
        END, f.sif)
    ) AS unmapped_codes
FROM Person p
JOIN Identity i ON i.identityID = p.currentIdentityID
LEFT JOIN person_race r ON r.identityID = i.identityID
LEFT JOIN xwalk_race f ON f.code = trim(i.raceEthnicityFed)
LEFT JOIN xwalk_sex sx ON sx.code = trim(i.gender)
LEFT JOIN xwalk_language l ON l.code = trim(i.homePrimaryLanguage)
