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
        first_value(nullif(trim(programStatus), '') ORDER BY
            identifiedDate DESC NULLS LAST, lepID DESC
        ) AS status
    FROM LEP
    GROUP BY personID
)
SELECT
    a.addresses AS addresses,
    named_struct('educationOrganizationId', y.local_education_agency_id)
        AS educationOrganizationReference,
    c.electronic_mails AS electronicMails,
    coalesce(n.race_fed = '1' OR n.hispanic OR r.hispanic, false) AS hispanicLatinoEthnicity,
    le.descriptor AS limitedEnglishProficiencyDescriptor,
    CASE
        WHEN r.identityID IS NOT NULL THEN r.races
        WHEN n.race_fed <> '1' AND ra.descriptor IS NOT NULL
            THEN make_array(named_struct('raceDescriptor', ra.descriptor))
    END AS races,
    sx.descriptor AS sexDescriptor,
    named_struct('studentUniqueId', i.student_unique_id) AS studentReference,
    c.telephones AS telephones,
    'Person' AS _source_table,
    CAST(s.personID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE WHEN i.personID IS NOT NULL AND i.student_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE
        WHEN i.personID IS NULL THEN concat('orphan_row: Enrollment.personID=', s.personID)
        ELSE n.orphan
    END AS _reject,
    concat_ws('; ',
        unmapped('sex', n.gender, sx.descriptor),
        CASE WHEN r.identityID IS NULL AND n.race_fed <> '1'
            THEN unmapped('race', n.race_fed, ra.descriptor)
        END,
        unmapped('race', r.unmapped_code, NULL),
        unmapped('limited_english', l.status, le.descriptor),
        unmapped('state', a.unmapped_state, NULL)
    ) AS _unmapped
-- Lists are joined last, the widest at the very end: they are costly to carry through joins.
FROM scope y
CROSS JOIN student s
LEFT JOIN person_id i ON i.personID = s.personID
LEFT JOIN person_name n ON n.personID = s.personID
LEFT JOIN lep l ON l.personID = s.personID
LEFT JOIN xwalk_sex sx ON sx.code = n.gender
LEFT JOIN xwalk_race ra ON ra.code = n.race_fed
LEFT JOIN xwalk_limited_english le ON le.code = l.status
LEFT JOIN person_race r ON r.identityID = n.identityID
LEFT JOIN person_reach c ON c.personID = s.personID
LEFT JOIN person_address a ON a.personID = s.personID
