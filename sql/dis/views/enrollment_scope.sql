-- One row per enrollment of any year: its calendar's school and scope, and whether it counts.
-- Reads: Enrollment, calendar_scope.
-- Rules: an enrollment that is excluded from state reporting is left out on purpose (skip), and so
-- is all that hangs on it.
SELECT
    e.enrollmentID,
    e.personID,
    e.calendarID,
    trim(e.serviceType) AS service_type,
    e.startDate,
    e.endDate,
    c.schoolID,
    coalesce(c.in_scope, true) AS in_scope,
    CASE WHEN e.stateExclude IS TRUE THEN 'state_excluded' END AS skip,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Enrollment.calendarID=', e.calendarID)
        ELSE c.orphan
    END AS orphan
FROM Enrollment e
LEFT JOIN calendar_scope c ON c.calendarID = e.calendarID
