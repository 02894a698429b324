-- One row per school assignment that overlaps the school year, with whether its school is in scope.
-- Reads: EmploymentAssignment, school_scope, scope.
SELECT
    a.assignmentID,
    a.personID,
    a.schoolID,
    a.startDate,
    a.endDate,
    trim(a.type) AS type,
    s.edfi_school_id,
    s.in_scope IS NOT FALSE AS in_scope,
    CASE
        WHEN s.schoolID IS NULL
            THEN concat('orphan_row: EmploymentAssignment.schoolID=', a.schoolID)
    END AS orphan
FROM scope y
CROSS JOIN EmploymentAssignment a
LEFT JOIN school_scope s ON s.schoolID = a.schoolID
WHERE (a.startDate IS NULL OR a.startDate <= y.year_end)
    AND (a.endDate IS NULL OR a.endDate >= y.year_start)
