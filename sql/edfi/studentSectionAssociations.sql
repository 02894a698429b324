-- One row per roster and session of its section, while the student is enrolled in the calendar.
-- Reads: Roster, section_session, enrollment_spell, person_id.
-- Rules: rosters of the section's own, active trial. Dates are clipped to the session and the
-- enrollment; nothing is left when the clipped begin is after the clipped end. A roster without a
-- start begins with the session. Of several enrollments that overlap, the latest starting one
-- stands.
SELECT
    greatest(r.startDate, s.begin_date, e.startDate) AS beginDate,
    least(r.endDate, s.end_date, e.endDate) AS endDate,
    s.homeroom AS homeroomIndicator,
    named_struct(
        'localCourseCode', s.course_number,
        'schoolId', s.edfi_school_id,
        'schoolYear', s.school_year,
        'sectionIdentifier', s.section_identifier,
        'sessionName', s.session_name
    ) AS sectionReference,
    named_struct('studentUniqueId', i.student_unique_id) AS studentReference,
    'Roster' AS _source_table,
    concat_ws('/', r.rosterID, s.term_name) AS _source_key,
    s.schoolID AS _school_id,
    r.personID AS _person_id,
    s.courseID AS _course_id,
    r.sectionID AS _section_id,
    CASE WHEN i.personID IS NOT NULL AND i.student_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE
        WHEN s.sectionID IS NULL THEN concat('orphan_row: Roster.sectionID=', r.sectionID)
        WHEN s.orphan IS NOT NULL THEN s.orphan
        WHEN i.personID IS NULL THEN concat('orphan_row: Roster.personID=', r.personID)
    END AS _reject
-- RIGHT JOIN, with the rosters last: the engine holds the left side of a join in memory and streams
-- the right one, and rosters are the largest table of all.
FROM enrollment_spell e
RIGHT JOIN (
    section_session s
    RIGHT JOIN (
        person_id i
        RIGHT JOIN Roster r ON r.personID = i.personID
    ) ON s.sectionID = r.sectionID
)
    ON e.personID = r.personID
    AND e.calendarID = s.calendarID
    AND e.startDate <= least(r.endDate, s.end_date)
    AND e.last_date >= greatest(r.startDate, s.begin_date)
    AND (e.next_start IS NULL OR e.next_start > least(r.endDate, s.end_date))
WHERE s.sectionID IS NULL
    OR (s.in_scope AND s.orphan IS NOT NULL)
    OR (
        s.in_scope
        AND s.trialID = r.trialID
        AND s.term_name IS NOT NULL
        AND (
            i.personID IS NULL
            OR (
                e.personID IS NOT NULL
                AND greatest(r.startDate, s.begin_date, e.startDate)
                    <= least(r.endDate, s.end_date, e.last_date)
            )
        )
    )
