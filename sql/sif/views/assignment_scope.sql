-- One row per school assignment that overlaps the school year, at a school in scope.
-- Reads: EmploymentAssignment, School, school_scope, scope.
-- Rules: a missing school keeps the row, to be rejected and seen.
SELECT
    a.assignmentID,
    a.personID,
    a.schoolID,
    a.startDate,
    a.endDate,
    trim(a.type) AS type,
    nullif(trim(a.title), '') AS title,
    y.school_year,
    CASE
        WHEN s.schoolID IS NULL
            THEN concat('orphan_row: EmploymentAssignment.schoolID=', a.schoolID)
    END AS orphan
FROM scope y
CROSS JOIN EmploymentAssignment a
LEFT JOIN School s ON s.schoolID = a.schoolID
LEFT JOIN school_scope c ON c.schoolID = a.schoolID
WHERE a.exclude IS NOT TRUE
    AND (s.schoolID IS NULL OR c.schoolID IS NOT NULL)
    AND (a.startDate IS NULL OR a.startDate <= y.year_end)
    AND (a.endDate IS NULL OR a.endDate >= y.year_start)
