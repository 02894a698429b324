-- One row per person with a household that has an address: the addresses of the current household.
-- Reads: HouseholdMember, HouseholdLocation, Address, scope, fixed, and the crosswalk state.
-- Rules: current is the primary membership that lasts longest (open before ended), then the latest
-- start, then the greatest householdID; one that ended before the school year is none. All primary
-- locations of that household count; one for mailing only is a Mailing address, others are Home.
WITH membership AS (
    SELECT
        m.personID,
        first_value(m.householdID ORDER BY
            m.endDate DESC NULLS FIRST, m.startDate DESC NULLS LAST, m.householdID DESC
        ) AS householdID
    FROM scope y
    CROSS JOIN HouseholdMember m
    WHERE m.secondary IS NOT TRUE
        AND (m.endDate IS NULL OR m.endDate >= y.year_start)
        AND (m.startDate IS NULL OR m.startDate <= y.year_end)
    GROUP BY m.personID
),
place AS (
    SELECT
        l.householdID,
        CASE
            WHEN l.mailing IS TRUE AND l.physical IS NOT TRUE THEN f.mailing_address
            ELSE f.home_address
        END AS type_descriptor,
        a.addressID,
        concat_ws(' ',
            CASE WHEN a.postOfficeBox IS TRUE THEN 'PO Box' END,
            nullif(trim(a.number), ''), nullif(trim(a.prefix), ''), nullif(trim(a.street), ''),
            nullif(trim(a.tag), ''), nullif(trim(a.dir), '')
        ) AS line,
        nullif(trim(a.apt), '') AS apt,
        trim(a.city) AS city,
        trim(a.state) AS state,
        trim(a.zip) AS zip,
        nullif(trim(a.county), '') AS county
    FROM scope y
    CROSS JOIN fixed f
    CROSS JOIN HouseholdLocation l
    JOIN Address a ON a.addressID = l.addressID
    WHERE l.secondary IS NOT TRUE
        AND (l.endDate IS NULL OR l.endDate >= y.year_start)
        AND (l.startDate IS NULL OR l.startDate <= y.year_end)
),
household AS (
    SELECT
        p.householdID,
        array_sort(array_agg(named_struct(
            'addressTypeDescriptor', p.type_descriptor,
            'apartmentRoomSuiteNumber', p.apt,
            'city', p.city,
            'nameOfCounty', p.county,
            'postalCode', p.zip,
            'stateAbbreviationDescriptor', x.descriptor,
            'streetNumberName', nullif(p.line, '')
        ))) AS addresses,
        min(CASE WHEN x.descriptor IS NULL THEN p.state END) AS unmapped_state
    FROM place p
    LEFT JOIN xwalk_state x ON x.code = p.state
    GROUP BY p.householdID
)
SELECT m.personID, h.addresses, h.unmapped_state
FROM membership m
JOIN household h ON h.householdID = m.householdID
