-- One row per roster row of a section in scope.
-- Reads: Roster, Section, section_scope, section_span, Person, enrollment_scope.
-- Rules: a roster of a student who never showed up, or is excluded, is skipped; one that starts
-- after the section's last term is skipped, too. A roster without dates has those of its terms.
WITH enrolled AS (
    SELECT personID, calendarID
    FROM enrollment_scope
    WHERE counts
    GROUP BY personID, calendarID
)
SELECT
    ref_id('StudentSectionEnrollment', r.rosterID) AS RefId,
    ref_id('StudentPersonal', r.personID) AS StudentPersonalRefId,
    ref_id('SectionInfo', r.sectionID) AS SectionInfoRefId,
    s.school_year AS SchoolYear,
    coalesce(r.startDate, d.first_date) AS EntryDate,
    coalesce(r.endDate, d.last_date) AS ExitDate,
    'Roster' AS _source_table,
    CAST(r.rosterID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    r.personID AS _person_id,
    s.courseID AS _course_id,
    r.sectionID AS _section_id,
    CASE
        WHEN e.personID IS NULL AND s.sectionID IS NOT NULL AND p.personID IS NOT NULL
            THEN 'no_enrollment'
        WHEN r.startDate > d.last_date THEN 'after_last_term'
    END AS _skip,
    CASE
        WHEN o.sectionID IS NULL THEN concat('orphan_row: Roster.sectionID=', r.sectionID)
        WHEN s.orphan IS NOT NULL THEN s.orphan
        WHEN p.personID IS NULL THEN concat('orphan_row: Roster.personID=', r.personID)
    END AS _reject
FROM Roster r
LEFT JOIN Section o ON o.sectionID = r.sectionID
LEFT JOIN section_scope s ON s.sectionID = r.sectionID AND s.trialID = r.trialID
LEFT JOIN section_span d ON d.sectionID = r.sectionID
LEFT JOIN Person p ON p.personID = r.personID
LEFT JOIN enrolled e ON e.personID = r.personID AND e.calendarID = s.calendarID
WHERE o.sectionID IS NULL OR s.in_scope
