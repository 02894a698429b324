-- One row per period schedule, with its periods.
-- Reads: PeriodSchedule, Period, structure_scope.
WITH listed AS (
    SELECT
        periodScheduleID,
        array_sort(array_agg(named_struct(
            'startTime', startTime, 'periodID', periodID, 'endTime', endTime,
            'name', trim(name), 'nonInstructional', nonInstructional,
            'periodMinutes', periodMinutes, 'seq', seq
        ))) AS periods
    FROM Period
    GROUP BY periodScheduleID
)
SELECT
    trim(p.name) AS name,
    p.periodScheduleID,
    l.periods,
    p.seq,
    named_struct('structureID', p.structureID) AS structure,
    'PeriodSchedule' AS _source_table,
    CAST(p.periodScheduleID AS VARCHAR) AS _source_key,
    sc.schoolID AS _school_id,
    CASE
        WHEN sc.structureID IS NULL
            THEN concat('orphan_row: PeriodSchedule.structureID=', p.structureID)
        ELSE sc.orphan
    END AS _reject
FROM PeriodSchedule p
LEFT JOIN structure_scope sc ON sc.structureID = p.structureID
LEFT JOIN listed l ON l.periodScheduleID = p.periodScheduleID
WHERE sc.in_scope IS NOT FALSE
