-- One row per stretch of days that a person is enrolled in a calendar, and the start of the next.
-- Reads: enrollment_scope.
-- Rules: an enrollment that lies wholly within another one of the calendar adds nothing; of several
-- that overlap a roster, the latest starting one stands (next_start tells).
WITH ordered AS (
    SELECT
        personID,
        calendarID,
        startDate,
        endDate,
        coalesce(endDate, DATE '9999-12-31') AS last_date,
        max(coalesce(endDate, DATE '9999-12-31')) OVER (
            PARTITION BY personID, calendarID
            ORDER BY startDate, coalesce(endDate, DATE '9999-12-31') DESC, enrollmentID
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_until
    FROM enrollment_scope
    WHERE counts AND startDate IS NOT NULL
)
SELECT
    personID,
    calendarID,
    startDate,
    endDate,
    last_date,
    lead(startDate) OVER (PARTITION BY personID, calendarID ORDER BY startDate) AS next_start
FROM ordered
WHERE covered_until IS NULL OR last_date > covered_until
