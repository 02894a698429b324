-- One row per enrollment in a calendar in scope, with whether it counts.
-- Reads: Enrollment, Calendar, calendar_scope, scope.
-- Rules: service types P (primary) and S (secondary) only; no-show and state-excluded enrollments
-- are kept here, and do not count. A missing calendar keeps the row, to be rejected and seen.
SELECT
    e.enrollmentID,
    e.personID,
    e.calendarID,
    trim(e.grade) AS grade,
    trim(e.serviceType) AS service_type,
    e.startDate,
    trim(e.startStatus) AS start_status,
    e.endDate,
    trim(e.endStatus) AS end_status,
    e.noShow IS TRUE AS no_show,
    e.stateExclude IS TRUE AS state_exclude,
    e.noShow IS NOT TRUE AND e.stateExclude IS NOT TRUE AND c.calendarID IS NOT NULL AS counts,
    ca.summerSchool IS TRUE AS summer,
    CASE
        WHEN e.startDate > y.as_of THEN 'Future'
        WHEN e.endDate < y.as_of THEN 'Historical'
        ELSE 'Current'
    END AS time_frame,
    e.gradYear,
    e.cohortYear,
    e.percentEnrolled,
    upper(trim(e.mealStatus)) AS meal_status,
    e.homeless,
    e.migrant,
    e.section504,
    upper(trim(e.specialEdStatus)) AS special_ed_status,
    e.giftedTalented AS gifted,
    c.schoolID,
    c.school_year,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Enrollment.calendarID=', e.calendarID)
        ELSE c.orphan
    END AS orphan
FROM scope y
CROSS JOIN Enrollment e
LEFT JOIN calendar_scope c ON c.calendarID = e.calendarID
LEFT JOIN Calendar ca ON ca.calendarID = e.calendarID
WHERE c.in_scope IS NOT FALSE AND trim(e.serviceType) IN ('P', 'S')
