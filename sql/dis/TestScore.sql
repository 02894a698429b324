-- One row per test score of the school year.
-- Reads: TestScore, Test, person_scope, school_year_span.
SELECT
    s.date,
    s.percentile,
    trim(s.performanceLevel) AS performanceLevel,
    named_struct('personID', s.personID) AS person,
    s.scaleScore,
    s.scoreID,
    trim(t.code) AS testCode,
    trim(t.name) AS testName,
    trim(s.testingGrade) AS testingGrade,
    'TestScore' AS _source_table,
    CAST(s.scoreID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE
        WHEN t.testID IS NULL THEN concat('orphan_row: TestScore.testID=', s.testID)
    END AS _reject
FROM school_year_span y
CROSS JOIN TestScore s
JOIN person_scope p ON p.personID = s.personID
LEFT JOIN Test t ON t.testID = s.testID
WHERE s.date BETWEEN y.year_start AND y.year_end
