-- One row per stretch of days that a person is enrolled in a calendar, and the start of the next.
-- Reads: enrollment_scope.
-- Rules: an enrollment that lies wholly within another one of the calendar adds nothing; of several
-- that overlap a roster, the latest starting one stands (next_start tells).
WITH counting AS (
    SELECT
        enrollmentID,
        personID,
        calendarID,
        startDate,
        endDate,
        coalesce(endDate, DATE '9999-12-31') AS last_date
    FROM enrollment_scope
    WHERE counts AND startDate IS NOT NULL
)
SELECT
    e.personID,
    e.calendarID,
    e.startDate,
    e.endDate,
    e.last_date,
    min(CASE
        WHEN o.startDate > e.startDate AND o.last_date > e.last_date THEN o.startDate
    END) AS next_start
FROM counting e
JOIN counting o ON o.personID = e.personID AND o.calendarID = e.calendarID
GROUP BY e.enrollmentID, e.personID, e.calendarID, e.startDate, e.endDate, e.last_date
HAVING NOT bool_or(
    o.startDate <= e.startDate
    AND o.last_date >= e.last_date
    AND (
        o.startDate < e.startDate
        OR o.last_date > e.last_date
        OR o.enrollmentID < e.enrollmentID
    )
)
