-- One row per person who works for the district, or at a school of it, in the school year.
-- Reads: Employment, EmploymentAssignment, school_year_span.
SELECT e.personID
FROM school_year_span y
CROSS JOIN Employment e
WHERE (e.startDate IS NULL OR e.startDate <= y.year_end)
    AND (e.endDate IS NULL OR e.endDate >= y.year_start)
UNION
SELECT a.personID
FROM school_year_span y
CROSS JOIN EmploymentAssignment a
WHERE a.exclude IS NOT TRUE
    AND (a.startDate IS NULL OR a.startDate <= y.year_end)
    AND (a.endDate IS NULL OR a.endDate >= y.year_start)
