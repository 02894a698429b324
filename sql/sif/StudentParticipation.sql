-- One row per program that a student takes part in: what the flags of an enrollment and the English
-- learner records say.
-- Reads: enrollment_scope, LEP, student, Person, scope, and the crosswalk program.
-- Rules: one per enrollment and flag, from the first to the last day of the enrollment; one per
-- English learner record whose status is a program of the crosswalk.
WITH flags AS (
    SELECT
        e.personID, e.schoolID, e.startDate, e.endDate, e.enrollmentID, f.program
    FROM enrollment_scope e
    CROSS JOIN (
        SELECT unnest(make_array('homeless', 'migrant', 'section504', 'special_ed', 'gifted'))
            AS program
    ) f
    WHERE e.counts AND CASE f.program
        WHEN 'homeless' THEN e.homeless
        WHEN 'migrant' THEN e.migrant
        WHEN 'section504' THEN e.section504
        WHEN 'special_ed' THEN e.special_ed_status IN ('A', 'Y', 'ACTIVE')
        ELSE e.gifted
    END
),
lep AS (
    SELECT
        l.lepID, l.personID, l.identifiedDate, l.exitDate, trim(l.programStatus) AS status
    FROM LEP l
    JOIN student s ON s.personID = l.personID
    JOIN xwalk_english_proficiency x ON x.code = trim(l.programStatus)
    CROSS JOIN scope y
    WHERE x.ell = 'Yes' AND (l.exitDate IS NULL OR l.exitDate >= y.year_start)
),
all_programs AS (
    SELECT
        concat('enrollment/', enrollmentID, '/', program) AS program_key,
        personID, schoolID, startDate, endDate, program,
        'Enrollment' AS source_table,
        concat(enrollmentID, '/', program) AS source_key
    FROM flags
    UNION ALL
    SELECT
        concat('lep/', lepID), personID, NULL, identifiedDate, exitDate, 'english_learner', 'LEP',
        CAST(lepID AS VARCHAR)
    FROM lep
)
SELECT
    ref_id('StudentParticipation', a.program_key) AS RefId,
    ref_id('StudentPersonal', a.personID) AS StudentPersonalRefId,
    coalesce(a.startDate, y.year_start) AS StudentParticipationAsOfDate,
    CASE WHEN x.sif IS NOT NULL THEN named_struct('Code', x.sif) END AS ProgramType,
    x.name AS ProgramName,
    CASE WHEN a.schoolID IS NOT NULL THEN
        named_struct('SIF_RefObject', 'SchoolInfo', 'value', ref_id('SchoolInfo', a.schoolID))
    END AS ManagingSchool,
    a.startDate AS ProgramPlacementDate,
    a.endDate AS ProgramExitDate,
    a.source_table AS _source_table,
    a.source_key AS _source_key,
    a.schoolID AS _school_id,
    a.personID AS _person_id,
    CASE WHEN p.personID IS NULL THEN concat('orphan_row: Enrollment.personID=', a.personID) END
        AS _reject,
    unmapped('program', a.program, x.sif) AS _unmapped
FROM scope y
CROSS JOIN all_programs a
LEFT JOIN Person p ON p.personID = a.personID
LEFT JOIN xwalk_program x ON x.code = a.program
