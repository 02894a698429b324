-- One row per employment by the district that overlaps the school year.
-- Reads: Employment, school_year_span.
SELECT
    trim(e.assignmentCode) AS assignmentCode,
    e.districtStaff,
    e.employmentID,
    e.endDate,
    named_struct('personID', e.personID) AS person,
    e.startDate,
    trim(e.type) AS type,
    'Employment' AS _source_table,
    CAST(e.employmentID AS VARCHAR) AS _source_key,
    e.personID AS _person_id
FROM school_year_span y
CROSS JOIN Employment e
WHERE (e.startDate IS NULL OR e.startDate <= y.year_end)
    AND (e.endDate IS NULL OR e.endDate >= y.year_start)
