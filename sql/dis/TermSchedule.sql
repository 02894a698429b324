-- One row per term schedule, with its terms.
-- Reads: TermSchedule, Term, structure_scope.
WITH listed AS (
    SELECT
        termScheduleID,
        array_sort(array_agg(named_struct(
            'seq', seq, 'termID', termID, 'name', trim(name),
            'startDate', startDate, 'endDate', endDate
        ))) AS terms
    FROM Term
    GROUP BY termScheduleID
)
SELECT
    trim(t.name) AS name,
    t.primary,
    named_struct('structureID', t.structureID) AS structure,
    t.termScheduleID,
    l.terms,
    'TermSchedule' AS _source_table,
    CAST(t.termScheduleID AS VARCHAR) AS _source_key,
    sc.schoolID AS _school_id,
    CASE
        WHEN sc.structureID IS NULL
            THEN concat('orphan_row: TermSchedule.structureID=', t.structureID)
        ELSE sc.orphan
    END AS _reject
FROM TermSchedule t
LEFT JOIN structure_scope sc ON sc.structureID = t.structureID
LEFT JOIN listed l ON l.termScheduleID = t.termScheduleID
WHERE sc.in_scope IS NOT FALSE
