-- One row per complete incident of a calendar in scope.
-- Reads: BehaviorIncident, BehaviorEvent, BehaviorType, BehaviorRole, calendar_scope, Person,
-- person_name, student, staff, and the crosswalks incident_category, incident_location.
-- Rules: status CM (complete) only. The category is that of the incident's first event. Offenders
-- are the roles Offender and Participant, victims the role Victim; who is neither student nor staff
-- of the year counts as a former student. The SIS does not know who reported it, when in the day it
-- was in terms of classes, and who was hurt: SIF's words for not known, and no injury, stand there.
WITH incident AS (
    SELECT
        b.incidentID,
        b.timestamp,
        trim(b.location) AS location,
        nullif(trim(b.title), '') AS title,
        c.schoolID,
        c.school_year,
        CASE
            WHEN c.calendarID IS NULL
                THEN concat('orphan_row: BehaviorIncident.calendarID=', b.calendarID)
            ELSE c.orphan
        END AS orphan
    FROM BehaviorIncident b
    LEFT JOIN calendar_scope c ON c.calendarID = b.calendarID
    WHERE c.in_scope IS NOT FALSE AND trim(b.status) = 'CM'
),
category AS (
    SELECT
        e.incidentID,
        first_value(trim(t.code) ORDER BY e.eventID) AS code
    FROM BehaviorEvent e
    JOIN BehaviorType t ON t.typeID = e.typeID
    GROUP BY e.incidentID
),
part AS (
    SELECT DISTINCT e.incidentID, r.personID, trim(r.role) = 'Victim' AS is_victim
    FROM BehaviorRole r
    JOIN BehaviorEvent e ON e.eventID = r.eventID
    WHERE trim(r.role) IN ('Offender', 'Participant', 'Victim')
),
said AS (
    SELECT
        t.incidentID,
        t.is_victim,
        t.personID,
        p.personID AS known,
        named_struct(
            'Injury', '3065',
            'Name', n.name,
            'SIF_RefId', CASE
                WHEN s.personID IS NOT NULL THEN named_struct(
                    'SIF_RefObject', 'StudentPersonal',
                    'value', ref_id('StudentPersonal', t.personID))
                WHEN f.personID IS NOT NULL THEN named_struct(
                    'SIF_RefObject', 'StaffPersonal',
                    'value', ref_id('StaffPersonal', t.personID))
            END,
            'Type', CASE
                WHEN s.personID IS NOT NULL THEN '0126'
                WHEN f.personID IS NOT NULL THEN '3422'
                ELSE '3168'
            END
        ) AS person
    FROM part t
    LEFT JOIN Person p ON p.personID = t.personID
    LEFT JOIN person_name n ON n.personID = t.personID
    LEFT JOIN student s ON s.personID = t.personID
    LEFT JOIN staff f ON f.personID = t.personID
),
persons AS (
    SELECT
        incidentID,
        array_agg(person ORDER BY personID) FILTER (WHERE NOT is_victim) AS offenders,
        array_agg(person ORDER BY personID) FILTER (WHERE is_victim) AS victims,
        array_agg(personID) AS ids,
        min(CASE WHEN known IS NULL THEN personID END) AS missing
    FROM said
    GROUP BY incidentID
)
SELECT
    ref_id('DisciplineIncident', i.incidentID) AS RefId,
    i.school_year AS SchoolYear,
    named_struct('SIF_RefObject', 'SchoolInfo', 'value', ref_id('SchoolInfo', i.schoolID))
        AS AgencyReporting,
    CAST(i.incidentID AS VARCHAR) AS IncidentNumber,
    CAST(i.timestamp AS DATE) AS IncidentDate,
    named_struct('Type', '999', 'value', to_char(i.timestamp, '%H:%M:%S')) AS IncidentTime,
    named_struct('Type', coalesce(l.sif, '9997'), 'value', coalesce(i.location, 'Unknown'))
        AS IncidentLocation,
    named_struct('Type', '9997') AS IncidentReporter,
    CASE WHEN x.sif IS NOT NULL THEN named_struct('Code', x.sif) END AS IncidentCategory,
    n.offenders AS OffenderList,
    n.victims AS VictimList,
    i.title AS IncidentDescription,
    'BehaviorIncident' AS _source_table,
    CAST(i.incidentID AS VARCHAR) AS _source_key,
    i.schoolID AS _school_id,
    n.ids AS _person_ids,
    CASE
        WHEN i.orphan IS NOT NULL THEN i.orphan
        WHEN n.missing IS NOT NULL THEN concat('orphan_row: BehaviorRole.personID=', n.missing)
    END AS _reject,
    concat_ws('; ',
        unmapped('incident_category', c.code, x.sif),
        unmapped('incident_location', nullif(i.location, ''), l.sif)
    ) AS _unmapped
FROM incident i
LEFT JOIN category c ON c.incidentID = i.incidentID
LEFT JOIN persons n ON n.incidentID = i.incidentID
LEFT JOIN xwalk_incident_category x ON x.code = c.code
LEFT JOIN xwalk_incident_location l ON l.code = i.location
