-- One row per enrollment in a calendar in scope, with whether it counts.
-- Reads: Enrollment, calendar_scope.
-- Rules: no-show and state-excluded enrollments are kept here, and do not count. A missing calendar
-- keeps the row, to be rejected and seen.
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
    e.gradYear,
    e.cohortYear,
    e.percentEnrolled,
    trim(e.residentDistrict) AS resident_district,
    trim(e.mealStatus) AS meal_status,
    e.homeless,
    e.migrant,
    e.section504,
    trim(e.specialEdStatus) AS special_ed_status,
    e.giftedTalented,
    c.schoolID,
    c.school_year,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Enrollment.calendarID=', e.calendarID)
        ELSE c.orphan
    END AS orphan
FROM Enrollment e
LEFT JOIN calendar_scope c ON c.calendarID = e.calendarID
WHERE c.in_scope IS NOT FALSE
