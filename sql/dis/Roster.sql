-- One row per student in a section, below the student's enrollment in that calendar.
-- Reads: Roster, section_scope, enrollment_scope.
-- Rules: of several enrollments in the calendar the primary one counts, then the latest. A student
-- who is not enrolled there is left out.
WITH enrolled AS (
    SELECT
        enrollmentID,
        personID,
        calendarID,
        row_number() OVER (
            PARTITION BY personID, calendarID
            ORDER BY service_type = 'P' DESC, startDate DESC, enrollmentID DESC
        ) AS place
    FROM enrollment_scope
    WHERE in_scope AND skip IS NULL
)
SELECT
    named_struct('sectionID', r.sectionID) AS courseSection,
    r.endDate,
    named_struct('enrollmentID', e.enrollmentID) AS enrollment,
    r.rosterID,
    r.startDate,
    'Roster' AS _source_table,
    CAST(r.rosterID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    r.personID AS _person_id,
    s.courseID AS _course_id,
    r.sectionID AS _section_id,
    CASE WHEN s.sectionID IS NOT NULL AND e.enrollmentID IS NULL THEN 'not_enrolled' END AS _skip,
    s.orphan AS _reject
FROM Roster r
JOIN section_scope s ON s.sectionID = r.sectionID AND s.trialID = r.trialID
LEFT JOIN enrolled e
    ON e.personID = r.personID AND e.calendarID = s.calendarID AND e.place = 1
WHERE s.in_scope
