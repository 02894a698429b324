-- One row per section and session that it is placed in.
-- Reads: section_session, SectionPlacement, term_scope, class_period, Room, school_scope.
-- Rules: a section that is placed nowhere is rejected. Class periods are the distinct periods of
-- its placements in that session.
WITH period AS (
    SELECT DISTINCT
        p.sectionID,
        p.trialID,
        t.term_name,
        c.class_period_name,
        c.edfi_school_id,
        CASE
            WHEN c.periodID IS NULL
                THEN concat('orphan_row: SectionPlacement.periodID=', p.periodID)
        END AS orphan
    FROM SectionPlacement p
    JOIN term_scope t ON t.termID = p.termID
    LEFT JOIN class_period c ON c.periodID = p.periodID
    WHERE t.in_scope
),
met AS (
    SELECT
        sectionID,
        trialID,
        term_name,
        array_sort(array_agg(named_struct('classPeriodReference', named_struct(
            'classPeriodName', class_period_name,
            'schoolId', edfi_school_id
        ))) FILTER (WHERE class_period_name IS NOT NULL)) AS periods,
        min(orphan) AS orphan
    FROM period
    GROUP BY sectionID, trialID, term_name
)
SELECT
    m.periods AS classPeriods,
    named_struct(
        'localCourseCode', s.course_number,
        'schoolId', s.edfi_school_id,
        'schoolYear', s.school_year,
        'sessionName', s.session_name
    ) AS courseOfferingReference,
    CASE WHEN r.roomID IS NOT NULL THEN
        named_struct(
            'classroomIdentificationCode', trim(r.name),
            'schoolId', rs.edfi_school_id
        )
    END AS locationReference,
    s.section_identifier AS sectionIdentifier,
    'Section' AS _source_table,
    concat_ws('/', s.sectionID, s.term_name) AS _source_key,
    s.schoolID AS _school_id,
    s.courseID AS _course_id,
    s.sectionID AS _section_id,
    CASE
        WHEN s.orphan IS NOT NULL THEN s.orphan
        WHEN s.term_name IS NULL THEN 'section_without_placement'
        WHEN m.orphan IS NOT NULL THEN m.orphan
        WHEN s.roomID IS NOT NULL AND r.roomID IS NULL
            THEN concat('orphan_row: Section.roomID=', s.roomID)
    END AS _reject
FROM section_session s
LEFT JOIN met m
    ON m.sectionID = s.sectionID AND m.trialID = s.trialID AND m.term_name = s.term_name
LEFT JOIN Room r ON r.roomID = s.roomID
LEFT JOIN school_scope rs ON rs.schoolID = r.schoolID
WHERE s.in_scope
