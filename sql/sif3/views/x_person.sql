-- One row per person: name, sex, birth date and races as xPress Roster writes them.
-- Reads: Person, Identity, IdentityRaceEthnicity, RaceEthnicity, and the crosswalks xrace and xsex.
-- Rules: the current identity counts, never an older one. One federal race of 2 to 6 counts where
-- no race rows are. Hispanic: federal code 1, a race row of code 1, or hispanicEthnicity = Y. xPress
-- knows two sexes: N and X are left out.
WITH detail AS (
    SELECT DISTINCT
        ir.identityID,
        x.sif,
        trim(r.code) = '1' AS hispanic,
        CASE WHEN trim(r.code) <> '1' AND x.sif IS NULL THEN trim(r.code) END AS unmapped_code
    FROM IdentityRaceEthnicity ir
    LEFT JOIN RaceEthnicity r ON r.raceID = ir.raceID
    LEFT JOIN xwalk_xrace x ON x.code = trim(r.code)
),
races AS (
    SELECT
        identityID,
        array_sort(array_agg(named_struct('race', sif)) FILTER (WHERE sif IS NOT NULL)) AS races,
        bool_or(hispanic) AS hispanic,
        min(unmapped_code) AS unmapped_code
    FROM detail
    GROUP BY identityID
)
SELECT
    p.personID,
    nullif(trim(p.studentNumber), '') AS student_number,
    nullif(trim(p.staffNumber), '') AS staff_number,
    nullif(trim(p.stateID), '') AS state_id,
    coalesce(nullif(trim(p.staffStateID), ''), nullif(trim(p.stateID), '')) AS staff_state_id,
    nullif(trim(i.firstName), '') AS given_name,
    nullif(trim(i.lastName), '') AS family_name,
    named_struct(
        'familyName', nullif(trim(i.lastName), ''),
        'givenName', nullif(trim(i.firstName), ''),
        'middleName', nullif(trim(i.middleName), ''),
        'suffix', nullif(trim(i.suffix), ''),
        'type', 'LegalName'
    ) AS name,
    sx.sif AS sex,
    named_struct(
        'birthDate', i.birthdate,
        'hispanicLatinoEthnicity', CASE
            WHEN trim(i.raceEthnicityFed) = '1' OR r.hispanic
                OR trim(i.hispanicEthnicity) = 'Y' THEN true
            WHEN trim(i.hispanicEthnicity) = 'N' OR trim(i.raceEthnicityFed) <> '' THEN false
        END,
        'races', coalesce(r.races, CASE WHEN f.sif IS NOT NULL THEN
            make_array(named_struct('race', f.sif))
        END),
        'sex', sx.sif
    ) AS demographics,
    unmapped('xsex', CASE WHEN trim(i.gender) NOT IN ('', 'N', 'X') THEN trim(i.gender) END, sx.sif)
        AS unmapped_sex,
    concat_ws('; ',
        unmapped('xsex', CASE
            WHEN trim(i.gender) NOT IN ('', 'N', 'X') THEN trim(i.gender)
        END, sx.sif),
        unmapped('xrace', r.unmapped_code, NULL),
        unmapped('xrace', CASE
            WHEN r.identityID IS NULL AND trim(i.raceEthnicityFed) NOT IN ('', '1', '7')
                THEN trim(i.raceEthnicityFed)
        END, f.sif)
    ) AS unmapped_codes,
    CASE
        WHEN i.identityID IS NULL
            THEN concat('orphan_row: Person.currentIdentityID=', p.currentIdentityID)
    END AS orphan
FROM Person p
LEFT JOIN Identity i ON i.identityID = p.currentIdentityID
LEFT JOIN races r ON r.identityID = i.identityID
LEFT JOIN xwalk_xrace f ON f.code = trim(i.raceEthnicityFed)
LEFT JOIN xwalk_xsex sx ON sx.code = trim(i.gender)
