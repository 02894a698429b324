-- One row per section of an active trial, of any year: its course's calendar and scope.
-- Reads: Section, Trial, course_scope.
-- Rules: sections of inactive trials are plans only.
SELECT
    s.sectionID,
    s.trialID,
    s.courseID,
    s.roomID,
    s.number AS section_number,
    s.teacherPersonID,
    co.course_number,
    co.title,
    co.calendarID,
    co.schoolID,
    co.school_year,
    co.in_scope IS NOT FALSE AS in_scope,
    CASE
        WHEN t.trialID IS NULL THEN concat('orphan_row: Section.trialID=', s.trialID)
        WHEN co.courseID IS NULL THEN concat('orphan_row: Section.courseID=', s.courseID)
        ELSE co.orphan
    END AS orphan
FROM Section s
LEFT JOIN Trial t ON t.trialID = s.trialID
LEFT JOIN course_scope co ON co.courseID = s.courseID
WHERE t.active IS NOT FALSE
