-- One row per student of the year, towards the district.
-- Reads: student, person_id, person_name, person_race, person_address, person_reach, LEP, scope,
-- and the crosswalks sex, race and limited_english.
-- Rules: races come from the identity's race rows, and only without any from the federal code;
-- federal code 1 (Hispanic) is an ethnicity and no race, and 7 (two or more) without race rows has
-- no descriptor, so it is rejected. English proficiency is that of the LEP row identified last,
-- then of the greatest lepID.
WITH lep AS (
    SELECT
        personID,
        get_field(max(named_struct(
            'since', coalesce(identifiedDate, DATE '0001-01-01'),
            'lepID', lepID,
            'status', nullif(trim(programStatus), '')
        )), 'status') AS status
    FROM LEP
    GROUP BY personID
),
person AS (
    SELECT
        s.personID,
        n.gender,
        n.orphan,
        n.race_fed = '1' OR n.hispanic OR r.hispanic AS hispanic,
        r.races,
        r.unmapped_code AS unmapped_race,
        CASE WHEN r.identityID IS NULL AND n.race_fed <> '1' THEN n.race_fed END AS single_race
    FROM student s
    LEFT JOIN person_name n ON n.personID = s.personID
    LEFT JOIN person_race r ON r.identityID = n.identityID
)
SELECT
    a.addresses AS addresses,
    named_struct('educationOrganizationId', y.local_education_agency_id)
        AS educationOrganizationReference,
    c.electronic_mails AS electronicMails,
    coalesce(p.hispanic, false) AS hispanicLatinoEthnicity,
    le.descriptor AS limitedEnglishProficiencyDescriptor,
    CASE
        WHEN p.single_race IS NULL THEN p.races
        WHEN ra.descriptor IS NOT NULL
            THEN make_array(named_struct('raceDescriptor', ra.descriptor))
    END AS races,
    sx.descriptor AS sexDescriptor,
    named_struct('studentUniqueId', i.student_unique_id) AS studentReference,
    c.telephones AS telephones,
    'Person' AS _source_table,
    CAST(p.personID AS VARCHAR) AS _source_key,
    p.personID AS _person_id,
    CASE WHEN i.personID IS NOT NULL AND i.student_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE
        WHEN i.personID IS NULL THEN concat('orphan_row: Enrollment.personID=', p.personID)
        ELSE p.orphan
    END AS _reject,
    concat_ws('; ',
        unmapped('sexDescriptor: sex', p.gender, sx.descriptor),
        unmapped('races: race', p.single_race, ra.descriptor),
        unmapped('races: race', p.unmapped_race, NULL),
        unmapped('limitedEnglishProficiencyDescriptor: limited_english', l.status, le.descriptor),
        unmapped('addresses: state', a.unmapped_state, NULL)
    ) AS _unmapped
FROM person p
LEFT JOIN person_id i ON i.personID = p.personID
LEFT JOIN person_address a ON a.personID = p.personID
LEFT JOIN person_reach c ON c.personID = p.personID
LEFT JOIN lep l ON l.personID = p.personID
LEFT JOIN xwalk_sex sx ON sx.code = p.gender
LEFT JOIN xwalk_race ra ON ra.code = p.single_race
LEFT JOIN xwalk_limited_english le ON le.code = l.status
CROSS JOIN scope y
