-- One row per event of a complete incident, with who took part.
-- Reads: BehaviorIncident, BehaviorEvent, BehaviorRole, BehaviorType, calendar_scope.
-- Rules: drafts and submitted incidents (status other than CM) are not sent; an event of a type
-- without a state code is left out.
WITH took_part AS (
    SELECT
        eventID,
        array_sort(array_agg(named_struct('personID', personID, 'role', trim(role))))
            AS participants
    FROM BehaviorRole
    GROUP BY eventID
)
SELECT
    named_struct('calendarID', i.calendarID) AS calendar,
    trim(t.code) AS code,
    e.eventID,
    i.incidentID,
    trim(i.location) AS location,
    trim(t.name) AS name,
    p.participants,
    trim(t.stateEventCode) AS stateEventCode,
    to_char(i.timestamp, '%Y-%m-%dT%H:%M:%S') AS timestamp,
    'BehaviorEvent' AS _source_table,
    CAST(e.eventID AS VARCHAR) AS _source_key,
    c.schoolID AS _school_id,
    CASE WHEN trim(coalesce(t.stateEventCode, '')) = '' THEN 'no_state_code' END AS _skip,
    CASE
        WHEN t.typeID IS NULL THEN concat('orphan_row: BehaviorEvent.typeID=', e.typeID)
        WHEN c.calendarID IS NULL
            THEN concat('orphan_row: BehaviorIncident.calendarID=', i.calendarID)
        ELSE c.orphan
    END AS _reject
FROM BehaviorEvent e
JOIN BehaviorIncident i ON i.incidentID = e.incidentID
LEFT JOIN BehaviorType t ON t.typeID = e.typeID
LEFT JOIN calendar_scope c ON c.calendarID = i.calendarID
LEFT JOIN took_part p ON p.eventID = e.eventID
WHERE trim(i.status) = 'CM' AND c.in_scope IS NOT FALSE
