-- One row per student of the year.
-- Reads: student, Person, person_name, person_demographics, person_address, person_reach,
-- student_enrollment, LEP, scope, grade_level, and the crosswalks english_proficiency and
-- meal_status.
-- Rules: a flag is what the current enrollment says, and Unknown where it says nothing. Of several
-- English learner records the latest that was identified counts.
WITH lep AS (
    SELECT
        l.personID,
        first_value(trim(l.programStatus) ORDER BY l.identifiedDate DESC NULLS LAST, l.lepID DESC)
            AS status
    FROM LEP l
    GROUP BY l.personID
),
said AS (
    SELECT
        s.personID,
        nullif(trim(p.studentNumber), '') AS number,
        nullif(trim(p.stateID), '') AS state_id,
        p.personID AS known,
        l.status AS lep_status,
        x.sif AS proficiency,
        x.ell
    FROM student s
    LEFT JOIN Person p ON p.personID = s.personID
    LEFT JOIN lep l ON l.personID = s.personID
    LEFT JOIN xwalk_english_proficiency x ON x.code = l.status
)
SELECT
    ref_id('StudentPersonal', s.personID) AS RefId,
    s.number AS LocalId,
    s.state_id AS StateProvinceId,
    n.name AS Name,
    named_struct(
        'RaceList', d.demographics['RaceList'],
        'HispanicLatino', d.demographics['HispanicLatino'],
        'Gender', d.demographics['Gender'],
        'BirthDate', d.demographics['BirthDate'],
        'PlaceOfBirth', d.demographics['PlaceOfBirth'],
        'LanguageList', d.demographics['LanguageList'],
        'EnglishProficiency', CASE WHEN s.proficiency IS NOT NULL THEN
            named_struct('Code', s.proficiency)
        END
    ) AS Demographics,
    a.addresses AS AddressList,
    r.phones AS PhoneNumberList,
    r.emails AS EmailList,
    e.gradYear AS ProjectedGraduationYear,
    e.cohortYear AS OnTimeGraduationYear,
    named_struct(
        'SchoolLocalId', e.school_number,
        'GradeLevel', CASE WHEN g.sif IS NOT NULL THEN named_struct('Code', g.sif) END
    ) AS MostRecent,
    CASE WHEN e.special_ed_status IN ('A', 'Y', 'ACTIVE') THEN 'Yes'
        WHEN e.special_ed_status IS NOT NULL THEN 'No' ELSE 'Unknown' END AS IDEA,
    CASE e.migrant WHEN true THEN 'Yes' WHEN false THEN 'No' ELSE 'Unknown' END AS Migrant,
    CASE e.gifted WHEN true THEN 'Yes' WHEN false THEN 'No' ELSE 'Unknown' END AS GiftedTalented,
    coalesce(m.sif, 'Unknown') AS EconomicDisadvantage,
    coalesce(s.ell, 'Unknown') AS ELL,
    CASE e.homeless WHEN true THEN 'Yes' WHEN false THEN 'No' ELSE 'Unknown' END AS Homeless,
    CASE e.section504 WHEN true THEN 'Yes' WHEN false THEN 'No' ELSE 'Unknown' END AS Section504,
    'Person' AS _source_table,
    CAST(s.personID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE
        WHEN s.known IS NULL THEN concat('orphan_row: Enrollment.personID=', s.personID)
        ELSE n.orphan
    END AS _reject,
    concat_ws('; ',
        nullif(d.unmapped_codes, ''),
        unmapped('grade_level', e.grade, g.sif),
        unmapped('english_proficiency', s.lep_status, s.proficiency),
        unmapped('meal_status', e.meal_status, m.sif)
    ) AS _unmapped
FROM said s
LEFT JOIN person_name n ON n.personID = s.personID
LEFT JOIN person_demographics d ON d.personID = s.personID
LEFT JOIN person_address a ON a.personID = s.personID
LEFT JOIN person_reach r ON r.personID = s.personID
LEFT JOIN student_enrollment e ON e.personID = s.personID
LEFT JOIN grade_level g ON g.code = lpad(e.grade, greatest(2, character_length(e.grade)), '0')
LEFT JOIN xwalk_meal_status m ON m.code = e.meal_status
