-- One row per day with instruction, or with an event that the crosswalk knows.
-- Reads: Day, DayEvent, structure_scope, fixed, and the crosswalk calendar_event.
-- Rules: events of a type that the crosswalk does not have are left out, and so is a day that has
-- nothing else: the crosswalk chooses which events are sent.
WITH event AS (
    SELECT e.dayID, x.descriptor
    FROM DayEvent e
    JOIN xwalk_calendar_event x ON x.code = trim(e.type)
    UNION
    SELECT d.dayID, f.instructional_day
    FROM fixed f
    CROSS JOIN Day d
    WHERE d.instruction IS TRUE
),
listed AS (
    SELECT
        dayID,
        array_sort(array_agg(named_struct('calendarEventDescriptor', descriptor))) AS events
    FROM event
    GROUP BY dayID
)
SELECT
    l.events AS calendarEvents,
    named_struct(
        'calendarCode', st.calendar_code,
        'schoolId', st.edfi_school_id,
        'schoolYear', st.school_year
    ) AS calendarReference,
    d.date AS date,
    'Day' AS _source_table,
    CAST(d.dayID AS VARCHAR) AS _source_key,
    st.schoolID AS _school_id,
    CASE
        WHEN st.structureID IS NULL THEN concat('orphan_row: Day.structureID=', d.structureID)
        ELSE st.orphan
    END AS _reject
FROM Day d
JOIN listed l ON l.dayID = d.dayID
LEFT JOIN structure_scope st ON st.structureID = d.structureID
WHERE st.in_scope IS NOT FALSE
