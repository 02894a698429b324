-- One row per student: the enrollment that tells school and grade of today.
-- Reads: enrollment_scope, School.
-- Rules: primary before secondary, current before historical before future, then the latest start
-- and the greatest enrollmentID.
WITH ranked AS (
    SELECT
        e.*,
        row_number() OVER (PARTITION BY e.personID ORDER BY
            e.service_type,
            CASE e.time_frame WHEN 'Current' THEN 1 WHEN 'Historical' THEN 2 ELSE 3 END,
            e.startDate DESC NULLS LAST,
            e.enrollmentID DESC
        ) AS place
    FROM enrollment_scope e
    WHERE e.counts
)
SELECT
    r.personID,
    r.grade,
    r.gradYear,
    r.cohortYear,
    r.meal_status,
    r.homeless,
    r.migrant,
    r.section504,
    r.special_ed_status,
    r.gifted,
    trim(s.number) AS school_number
FROM ranked r
LEFT JOIN School s ON s.schoolID = r.schoolID
WHERE r.place = 1
