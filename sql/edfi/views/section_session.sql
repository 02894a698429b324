-- One row per section and session that it is placed in; a section that is placed nowhere, or is out
-- of scope, has one row without a session.
-- Reads: Section, Trial, SectionPlacement, course_scope, term_scope, session, scope.
-- Rules: in scope are sections of the active trial, of an active course of a calendar in scope.
-- Placements count when they are of the section's own trial; placements in several periods, and
-- terms of one name, are one session.
WITH section AS (
    SELECT
        s.sectionID,
        s.courseID,
        s.trialID,
        s.roomID,
        concat(c.course_number, '-', s.number, '-', s.sectionID) AS section_identifier,
        c.course_number,
        c.homeroom,
        c.calendarID,
        c.schoolID,
        c.edfi_school_id,
        (t.trialID IS NULL OR t.active IS TRUE) AND c.in_scope IS NOT FALSE AS in_scope,
        CASE
            WHEN t.trialID IS NULL THEN concat('orphan_row: Section.trialID=', s.trialID)
            WHEN c.courseID IS NULL THEN concat('orphan_row: Section.courseID=', s.courseID)
            ELSE c.orphan
        END AS orphan
    FROM Section s
    LEFT JOIN Trial t ON t.trialID = s.trialID
    LEFT JOIN course_scope c ON c.courseID = s.courseID
),
placed AS (
    SELECT DISTINCT
        p.sectionID,
        p.trialID,
        t.term_name,
        CASE
            WHEN t.termID IS NULL THEN concat('orphan_row: SectionPlacement.termID=', p.termID)
            ELSE t.orphan
        END AS orphan
    FROM SectionPlacement p
    LEFT JOIN term_scope t ON t.termID = p.termID
    WHERE t.in_scope IS NOT FALSE
)
SELECT
    s.sectionID,
    s.courseID,
    s.trialID,
    s.roomID,
    s.section_identifier,
    s.course_number,
    s.homeroom,
    s.calendarID,
    s.schoolID,
    s.edfi_school_id,
    s.in_scope,
    y.school_year,
    p.term_name,
    CASE WHEN p.term_name IS NOT NULL THEN concat(y.school_year_name, ' ', p.term_name) END
        AS session_name,
    se.begin_date,
    se.end_date,
    coalesce(s.orphan, p.orphan) AS orphan
FROM scope y
CROSS JOIN section s
LEFT JOIN placed p ON p.sectionID = s.sectionID AND p.trialID = s.trialID
LEFT JOIN session se ON se.schoolID = s.schoolID AND se.term_name = p.term_name
