-- One row per enrollment in a calendar in scope, with whether it counts.
-- Reads: Enrollment, calendar_scope.
-- Rules: service types P (primary) and S (secondary) only; no-show and state-excluded enrollments
-- are kept here, and do not count. A missing calendar keeps the row, to be rejected and seen.
SELECT
    e.enrollmentID,
    e.personID,
    e.calendarID,
    e.structureID,
    trim(e.grade) AS grade,
    trim(e.serviceType) AS service_type,
    e.startDate,
    trim(e.startStatus) AS start_status,
    e.endDate,
    trim(e.endStatus) AS end_status,
    e.noShow IS TRUE AS no_show,
    e.stateExclude IS TRUE AS state_exclude,
    e.noShow IS NOT TRUE AND e.stateExclude IS NOT TRUE AND c.calendarID IS NOT NULL AS counts,
    c.schoolID,
    c.school_year,
    c.edfi_school_id,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Enrollment.calendarID=', e.calendarID)
        ELSE c.orphan
    END AS orphan
FROM Enrollment e
LEFT JOIN calendar_scope c ON c.calendarID = e.calendarID
WHERE c.in_scope IS NOT FALSE AND trim(e.serviceType) IN ('P', 'S')
