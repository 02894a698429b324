-- One row per section of an active trial, of any year: its course's calendar and scope.
-- Reads: Section, Trial, Course, calendar_scope.
-- Rules: sections of inactive trials are plans only; inactive courses and those that are excluded
-- from state reporting are not in scope.
SELECT
    s.sectionID,
    s.trialID,
    s.courseID,
    co.calendarID,
    c.schoolID,
    co.active IS NOT FALSE
        AND co.stateReportExclude IS NOT TRUE
        AND c.in_scope IS NOT FALSE AS in_scope,
    CASE
        WHEN t.trialID IS NULL THEN concat('orphan_row: Section.trialID=', s.trialID)
        WHEN co.courseID IS NULL THEN concat('orphan_row: Section.courseID=', s.courseID)
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Course.calendarID=', co.calendarID)
        ELSE c.orphan
    END AS orphan
FROM Section s
LEFT JOIN Trial t ON t.trialID = s.trialID
LEFT JOIN Course co ON co.courseID = s.courseID
LEFT JOIN calendar_scope c ON c.calendarID = co.calendarID
WHERE t.active IS NOT FALSE
