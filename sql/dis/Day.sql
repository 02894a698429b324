-- One row per day of a period schedule, with its events.
-- Reads: Day, DayEvent, structure_scope.
WITH listed AS (
    SELECT
        dayID,
        array_sort(array_agg(named_struct('type', trim(type), 'duration', duration))) AS events
    FROM DayEvent
    GROUP BY dayID
)
SELECT
    d.attendance,
    trim(d.comments) AS comments,
    d.date,
    d.dayID,
    d.duration,
    l.events,
    d.instruction,
    named_struct('periodScheduleID', d.periodScheduleID) AS periodSchedule,
    d.schoolDay,
    'Day' AS _source_table,
    CAST(d.dayID AS VARCHAR) AS _source_key,
    sc.schoolID AS _school_id,
    CASE
        WHEN sc.structureID IS NULL THEN concat('orphan_row: Day.structureID=', d.structureID)
        ELSE sc.orphan
    END AS _reject
FROM Day d
LEFT JOIN structure_scope sc ON sc.structureID = d.structureID
LEFT JOIN listed l ON l.dayID = d.dayID
WHERE sc.in_scope IS NOT FALSE
